"""An evaluation as a page for an editor-in-chief."""

from recommender.evaluation.report.page import write_report

__all__ = ["write_report"]
