"""The service: pages, routes and who may see whom."""
