"""What a run is told: frozen dataclasses, and reading TOML into them."""
