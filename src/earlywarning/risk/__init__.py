"""How likely trouble is next quarter if nobody visits, and how good that estimate is."""
