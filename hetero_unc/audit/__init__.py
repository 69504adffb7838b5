"""The trust report: which predictions to use, which items and labels to look at. NumPy only.

`audit(predictions, vote_table)` does all of it; `hetero-unc audit` does it from files.
"""

from hetero_unc.audit.auditing import AuditResult, audit
from hetero_unc.audit.settings import AuditSettings

__all__ = ["AuditResult", "AuditSettings", "audit"]
