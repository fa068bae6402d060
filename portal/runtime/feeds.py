"""From the configuration to what is read: which sources, in which namespaces, how mapped."""

from __future__ import annotations

from portal.ingest.intake import Feed
from portal.ingest.startup import Startup, stages
from portal.kube.backoff import BackoffOptions
from portal.kube.state import WatchOptions
from portal.settings.tree import Settings
from portal.sources import SOURCES
from portal.sources.source import MappingOptions


def feeds_from_settings(settings: Settings, namespaces: tuple[str, ...]) -> tuple[Feed, ...]:
    """Return one feed per enabled source and namespace; an empty namespace stands for all."""
    enabled = [(source, each) for source in SOURCES if (each := settings.sources[source.name]).enabled]
    return tuple(
        Feed(
            source,
            mapping_options(settings, only_annotated=each.only_annotated),
            namespace=namespace,
            checked=settings.availability.enabled,
        )
        for source, each in enabled
        for namespace in namespaces
    )


def mapping_options(settings: Settings, *, only_annotated: bool) -> MappingOptions:
    """Return how a source's objects are mapped."""
    return MappingOptions(
        only_annotated=only_annotated,
        default_protocol=settings.default_protocol,
        ingress_class_names=settings.ingress.ingress_class_names,
        include_unclassified=settings.ingress.include_unclassified,
    )


def namespaces_from_settings(settings: Settings) -> tuple[str, ...]:
    """Return the namespaces that are selected by name; one empty name stands for all, none at all for nothing."""
    selector = settings.namespace_selector
    return ("",) if selector.any and not selector.label_selector else selector.match_names


def is_covered(settings: Settings, scope: str) -> bool:
    """Tell whether what was saved of a scope may still be shown, as far as the configuration alone tells."""
    _, source, *namespace = scope.split("/")
    said, selector = settings.sources.get(source), settings.namespace_selector
    if said is None or not said.enabled:
        return False
    if selector.label_selector:
        return bool(namespace)  # which have the labels is not known yet, but not all together are followed as one
    return (namespace or [""])[0] in namespaces_from_settings(settings)


def startup_from_settings(settings: Settings, feeds: tuple[Feed, ...]) -> Startup:
    """Return the order in which feeds are listed and watched; groups name sources, by default our own come first."""
    startup = settings.watch.startup
    groups = [each.sources for each in startup.groups] or [("application", "bookmark"), ("ingress",)]
    by_title = [[feed.title for feed in feeds if feed.source.name in group] for group in groups]
    titles = [feed.title for feed in feeds]
    return Startup(stages(startup.strategy, startup.concurrency, titles, by_title))


def watch_from_settings(settings: Settings) -> WatchOptions:
    """Return when a watch tries again, and when it lists everything to compare."""
    said = settings.watch.backoff
    backoff = BackoffOptions(initial=said.initial, factor=said.factor, cap=said.max, reset_after=said.reset_after)
    return WatchOptions(backoff=backoff, safety_relist=settings.watch.safety_relist)


def resync_from_settings(settings: Settings) -> dict[str, float]:
    """Return after how many seconds each source's entries are announced again; 0 for never."""
    watch = settings.watch
    said = {name: each.period for each in watch.resync for name in each.sources}
    return {name: said.get(name, watch.resync_period_seconds) for name in settings.sources}
