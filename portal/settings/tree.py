"""The configuration as a value: one struct per section, each key with the kind of value it takes and its default.

Field names are written in camelCase in the file. Times are in seconds unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Struct

from portal.settings.kinds import Choice, Duration, Many, Number, Scheme, Switch, Text, Url
from portal.settings.labels import Labels
from portal.settings.reading import Ignored, Rows, Section

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0

SOURCE_NAMES: Final = (
    "application", "bookmark", "hajimari-application", "hajimari-bookmark",
    "ingress", "route", "virtualservice", "httproute",
)  # fmt: skip

ADDRESS_KINDS: Final = ("loopback", "private")
STRATEGIES: Final = ("concurrent", "sequential", "incremental", "priority")

KUBE_NAME: Final = Text(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", "a Kubernetes name")
COLOUR: Final = Text(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,32}|[a-z]{3,5}\([-0-9.,%/ a-z]{1,60}\)", "a CSS colour")
FILE: Final = Text(r"[^\x00]*", "a file")

Bool = Annotated[bool, Switch()]
Colour = Annotated[str, COLOUR]
Names = Annotated[tuple[str, ...], Many(KUBE_NAME)]


class NamespaceSelector(Section, frozen=True):
    """Which namespaces are read: all, those named, or those with some labels, as they come and go."""

    any: Bool = True
    match_names: Names = ()
    label_selector: Annotated[str, Labels()] = ""


class Ingress(Section, frozen=True):
    """Ingresses as applications."""

    enabled: Bool = True
    only_annotated: Bool = True
    ingress_class_names: Names = ()
    include_unclassified: Bool = True


class Kind(Section, frozen=True):
    """One kind of object as applications: those that say so in an annotation, or all."""

    enabled: Bool = True
    only_annotated: Bool = True


class Istio(Section, frozen=True):
    """What Istio brings."""

    virtualservice: Kind = Kind()


class GatewayApi(Section, frozen=True):
    """What the Gateway API brings."""

    httproute: Kind = Kind()


class Hajimari(Section, frozen=True):
    """Hajimari's own Applications and Bookmarks."""

    enabled: Bool = True


class Backoff(Section, frozen=True):
    """How long to wait before asking an API server again that failed: longer each time, up to `max`."""

    initial: Annotated[float, Duration(0.05, MINUTE)] = 0.8
    factor: Annotated[float, Number(1, 10)] = 2.0
    max: Annotated[float, Duration(0.05, HOUR)] = 30.0
    reset_after: Annotated[float, Duration(0.1, DAY)] = 120.0


class Group(Section, frozen=True):
    """Sources that start together under `priority`."""

    name: Annotated[str, Text(r".{1,60}", "a name")] = ""
    sources: Annotated[tuple[str, ...], Many(Choice(SOURCE_NAMES))] = ()


class Startup(Section, frozen=True):
    """In which order the resources are first listed."""

    strategy: Annotated[Literal["concurrent", "sequential", "incremental", "priority"], Choice(STRATEGIES)] = (
        "concurrent"
    )
    concurrency: Annotated[int, Number(1, 64, whole=True)] = 4
    groups: Annotated[tuple[Group, ...], Rows(Group, ("name", "sources"))] = ()


class Client(Section, frozen=True):
    """How many requests a second the API server is asked; watches and continuation pages are exempt."""

    qps: Annotated[float, Number(0.1, 1000)] = 5.0
    burst: Annotated[int, Number(1, 10_000, whole=True)] = 10


class Queue(Section, frozen=True):
    """What lies between a watch and the catalog."""

    capacity: Annotated[int, Number(1, 1_000_000, whole=True)] = 1000


class Resync(Section, frozen=True):
    """Sources that are delivered again after another time than the others."""

    sources: Annotated[tuple[str, ...], Many(Choice(SOURCE_NAMES))] = ()
    period: Annotated[int, Duration(0, DAY, whole=True)] = 0


class Watch(Section, frozen=True):
    """How the cluster is followed."""

    enabled: Bool = True
    resync_period_seconds: Annotated[int, Duration(0, DAY, whole=True)] = 0
    resync: Annotated[tuple[Resync, ...], Rows(Resync, ("sources", "period"))] = ()
    safety_relist: Annotated[float, Duration(1, DAY)] = 720.0
    backoff: Backoff = Backoff()
    startup: Startup = Startup()
    client: Client = Client()
    queue: Queue = Queue()


class Cache(Section, frozen=True):
    """How long a response, or a listing without watches, is used again."""

    ttl: Annotated[float, Duration(0.1, DAY)] = 60.0


class Realtime(Section, frozen=True):
    """The stream of server-sent events; 0 clients per address means no limit."""

    enabled: Bool = True
    heartbeat_interval: Annotated[float, Duration(0.1, 5 * MINUTE)] = 15.0
    event_debounce_ms: Annotated[int, Duration(0, MINUTE, unit="ms", whole=True)] = 50
    max_clients: Annotated[int, Number(1, 1_000_000, whole=True)] = 20_000
    max_per_address: Annotated[int, Number(0, 1_000_000, whole=True)] = 0


class Websocket(Section, frozen=True):
    """Startpunkt's older words for `realtime`: its two times count where `realtime` gives none."""

    enabled: Bool = False
    heartbeat_interval: Annotated[float, Duration(0.1, 5 * MINUTE)] = 15.0
    event_debounce_ms: Annotated[int, Duration(0, MINUTE, unit="ms", whole=True)] = 50


class Broker(Section, frozen=True):
    """Where replicas share their events; empty for a process that stands alone."""

    url: Annotated[str, Url(("redis", "rediss"))] = ""


class Availability(Section, frozen=True):
    """Whether and how applications are asked if they are up."""

    enabled: Bool = True
    interval: Annotated[float, Duration(1, DAY)] = 60.0
    timeout: Annotated[float, Duration(0.1, 5 * MINUTE)] = 5.0
    concurrency: Annotated[int, Number(1, 10_000, whole=True)] = 50
    ignore_certificates: Bool = False
    max_retries: Annotated[int, Number(0, 1000, whole=True)] = 6
    initial_delay_ms: Annotated[int, Duration(0, HOUR, unit="ms", whole=True)] = 5000
    max_delay_ms: Annotated[int, Duration(0, DAY, unit="ms", whole=True)] = 300_000
    backoff_multiplier: Annotated[float, Number(1, 100)] = 2.0
    disabled_sources: Annotated[tuple[str, ...], Many(Choice(SOURCE_NAMES))] = ()
    forbidden_addresses: Annotated[tuple[str, ...], Many(Choice(ADDRESS_KINDS))] = ()
    ca_file: Annotated[str, FILE] = ""
    secret_headers: Bool = False


class State(Section, frozen=True):
    """Where the last catalog is kept over a restart; empty for nowhere."""

    path: Annotated[str, Text(r"[^\x00]*", "a folder")] = ""


class GithubLink(Section, frozen=True):
    """The ribbon in the corner."""

    enabled: Bool = True


class LightTheme(Section, frozen=True):
    """The colours by day."""

    body_bg_color: Colour = "#F8F6F1"
    body_color: Colour = "#696969"
    emphasis_color: Colour = "#000000"
    text_primary_color: Colour = "#4C432E"
    text_accent_color: Colour = "#AA9A73"


class DarkTheme(Section, frozen=True):
    """The colours by night."""

    body_bg_color: Colour = "#232530"
    body_color: Colour = "#696969"
    emphasis_color: Colour = "#FAB795"
    text_primary_color: Colour = "#FAB795"
    text_accent_color: Colour = "#E95678"


class Theme(Section, frozen=True):
    """The colours of the page."""

    light: LightTheme = LightTheme()
    dark: DarkTheme = DarkTheme()


class Web(Section, frozen=True):
    """What the page looks like; `refresh_interval` is for clients that poll, 0 for never."""

    title: Annotated[str, Text()] = "Startpunkt"
    github_link: GithubLink = GithubLink()
    refresh_interval: Annotated[int, Duration(0, DAY, whole=True)] = 60
    default_show_all_clusters: Bool = False
    search_engine: Annotated[str, Url(("https", "http"))] = "https://www.google.com/search?q="
    theme: Theme = Theme()
    check_for_updates: Annotated[None, Ignored("the page asks nobody but this portal")] = None


class SourceOptions(Struct, frozen=True):
    """Whether a source is read, and whether only objects count that say so in an annotation."""

    enabled: bool
    only_annotated: bool = False


class Settings(Section, frozen=True):
    """Everything that can be configured; `Settings()` holds the defaults."""

    default_protocol: Annotated[Literal["http", "https"], Scheme()] = "http"
    default_language: Annotated[str, Text(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", "a language like en-US")] = (
        "en-US"
    )
    namespace_selector: NamespaceSelector = NamespaceSelector()
    ingress: Ingress = Ingress()
    openshift: Kind = Kind()
    istio: Istio = Istio()
    gatewayapi: GatewayApi = GatewayApi()
    hajimari: Hajimari = Hajimari()
    watch: Watch = Watch()
    cache: Cache = Cache()
    realtime: Realtime = Realtime()
    websocket: Websocket = Websocket()
    broker: Broker = Broker()
    availability: Availability = Availability()
    state: State = State()
    web: Web = Web()
    graphql: Annotated[None, Ignored("there is no GraphQL here; changes come on /api/updates/stream")] = None
    clusters: Annotated[None, Ignored("one portal shows one cluster, not yet several")] = None
    bingimage: Annotated[None, Ignored("backgrounds do not come from the internet")] = None

    @property
    def sources(self) -> Mapping[str, SourceOptions]:
        """Return the options of every source by its name, in the order of `SOURCE_NAMES`."""
        ours, hajimari = SourceOptions(enabled=True), SourceOptions(enabled=self.hajimari.enabled)
        kinds = (self.ingress, self.openshift, self.istio.virtualservice, self.gatewayapi.httproute)
        options = (
            ours,
            ours,
            hajimari,
            hajimari,
            *(SourceOptions(kind.enabled, kind.only_annotated) for kind in kinds),
        )
        return dict(zip(SOURCE_NAMES, options, strict=True))
