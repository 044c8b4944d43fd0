"""The Telegram door. Importing this package costs nothing: aiogram (2.7 CPU-s) comes with the modules inside, which
only a city that has a bot imports."""
