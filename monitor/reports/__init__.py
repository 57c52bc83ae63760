"""Clients' reports of SCTs whose entries they could not find: spooled by the site, judged by the auditor."""

from monitor.reports.intake import take_in
from monitor.reports.report import Report, ReportError
from monitor.reports.spool import MAX_REPORT_SIZE, SpoolFull, accept

__all__ = ["MAX_REPORT_SIZE", "Report", "ReportError", "SpoolFull", "accept", "take_in"]
