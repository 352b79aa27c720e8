"""Markets: read from files, frames and built-ins, checked, and laid out on a grid."""
