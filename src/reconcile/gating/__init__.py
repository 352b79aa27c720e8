"""The gate: goldens hold, results have not drifted, and the engine has not become slower."""
