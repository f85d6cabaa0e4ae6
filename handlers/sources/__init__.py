"""Where artifacts come from by themselves. A source writes into `inbox/`; it is neither engine nor stage."""
