"""From priority and capacity to a visit list and a plan."""
