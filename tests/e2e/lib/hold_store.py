"""Holds the write lock of a SQLite database until its input ends: hold_store.py FILE. Says `held` once it has it."""
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
