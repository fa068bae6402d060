"""What a check costs, whether 200 hanging URLs disturb anybody, and a day of 2,000."""
