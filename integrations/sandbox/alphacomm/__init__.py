"""The stand-in Alphacomm: its GraphQL under /v1, the donor who opens its links, its webhooks."""
