"""What every reader and writer of files needs: tables, Arrow buffers, instants, exact decimals."""
