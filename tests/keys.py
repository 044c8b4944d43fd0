"""The key that only tests use."""

from storage.secrecy import Secrecy

KEY = "a key that only tests use, 32 signs and more"
SECRECY = Secrecy(KEY)
