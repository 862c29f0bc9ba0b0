"""When each listed family is to be visited, by whom and with whom."""
