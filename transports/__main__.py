"""`python -m transports` is `sansio-llm`."""

from transports.cli import main

if __name__ == "__main__":
    main()
