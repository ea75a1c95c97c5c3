"""The SoundFont made by the tests."""

from tests.fonts import sine_font as sine_font
