"""The independent services. None imports another; what one must know of another it hears as a fact."""
