"""The command service: accepts commands, decides, appends events; relays them, takes calls in."""
