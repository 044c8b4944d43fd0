"""The Telegram door. Importing this package costs nothing: aiogram comes with the modules inside, which
only a city that has a bot imports."""
