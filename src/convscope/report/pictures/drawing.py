"""From what was measured to pictures with their words."""

from collections.abc import Iterator

from convscope.looking.asking import Seen, SeenCases
from convscope.looking.filters import SeenFilters, SeenTemplates
from convscope.looking.maps import SeenMaps
from convscope.looking.patches import Excitation, Projected
from convscope.looking.plane import SeenPlane
from convscope.looking.signals import Drift, Signals
from convscope.looking.subject import Subject
from convscope.looking.wants import SeenWants
from convscope.report.pictures.answer import Answer
from convscope.report.pictures.filters import draw_filters, draw_templates
from convscope.report.pictures.maps import draw_maps
from convscope.report.pictures.patches import draw_patches, draw_projection
from convscope.report.pictures.plane import draw_plane
from convscope.report.pictures.signals import draw_drift, draw_histograms, draw_signal
from convscope.report.pictures.wants import draw_wants
from convscope.report.pictures.where import draw_where


def answers_to(subject: Subject, seen: Seen) -> Iterator[Answer]:
    """The pictures of one measurement."""
    match seen:
        case SeenFilters():
            yield draw_filters(seen)
        case SeenTemplates():
            yield draw_templates(seen)
        case SeenMaps():
            yield draw_maps(subject, seen)
        case Excitation():
            yield draw_patches(seen)
        case Projected():
            yield draw_projection(seen)
        case SeenCases():
            yield draw_where(seen)
        case SeenWants():
            yield draw_wants(seen)
        case Signals():
            yield draw_histograms(seen)
            yield draw_signal(seen)
        case Drift():
            yield draw_drift(seen)
        case SeenPlane():
            yield draw_plane(seen, subject.class_names)
