"""What tests/ways/property_test.py does, with more schemas."""
import os
import pathlib
import sys

os.environ.setdefault("PROPERTY_SCHEMAS", "40000")
os.environ.setdefault("PROPERTY_SEED", "1000")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ways"))
import property_test  # noqa: E402

property_test.main()
