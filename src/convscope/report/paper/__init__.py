"""Marks, words and pictures set on paper: drawings that follow their page into the dark."""
