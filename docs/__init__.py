"""Decisions, pictures, and the scripts that keep the READMEs true."""
