"""`python -m studyspot`, which is `studyspot`."""

from studyspot.console.app import main

if __name__ == "__main__":
    main()
