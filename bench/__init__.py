"""What the hot paths cost beside their limit or peer: one program each, `python -m bench` runs them all."""
