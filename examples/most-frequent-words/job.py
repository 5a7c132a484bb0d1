"""The ten words that occur most often."""

from tequio import text

job = text.words(lowercase=True).count().top_k(10)
