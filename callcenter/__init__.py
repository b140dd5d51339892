"""The emergency and hotline call centre of a virtual elderly-care home (虚拟养老院)."""
