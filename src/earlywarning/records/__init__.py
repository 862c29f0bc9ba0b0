"""What schools record: tables, codes and checks."""
