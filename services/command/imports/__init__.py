"""Files of leads: uploaded, mapped, looked at, carried out, reported row by row, taken back."""
