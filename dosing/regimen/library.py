"""Where regimen, drug and site files are: the shipped library, then any folders laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dosing.errors import Fault, RegimenError, UsageError, closest
from dosing.regimen import rules, timing  # noqa: F401  timing registers its rules
from dosing.regimen.loader import Tree, load, parse
from dosing.regimen.schema import Drug, Model, Regimen, Site

if TYPE_CHECKING:
    from dosing.regimen.policies import Policies

M = TypeVar("M", bound=Model)
KINDS = ("protocols", "blocks")


def shipped() -> Path:
    """The folder of the shipped library: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_regimens"
    return installed if installed.is_dir() else package.parent / "regimens"


@lru_cache(maxsize=512)
def _load(path: Path, changed: int, model: type[M], name: str) -> tuple[M, Tree]:
    return load(path, model, name)


class Drugs(Mapping[str, Drug]):
    """The drug files of a library by id; a file is read when it is asked for."""

    def __init__(self, files: Mapping[str, Path]):
        self._files = files

    def __getitem__(self, drug: str) -> Drug:
        path = self._files[drug]
        found, tree = _load(path, path.stat().st_mtime_ns, Drug, f"drugs/{path.name}")
        if found.id != drug:
            raise RegimenError(Fault("R05", f'the id "{found.id}" differs from the file name', f"write id: {drug}.", tree.where(("id",))))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, drug: object) -> bool:
        return drug in self._files


class Library:
    """The shipped files with the overlay folders of a site; a later folder wins, file by file."""

    def __init__(self, folders: Iterable[str | Path] = ()):
        self.folders = (shipped(), *(Path(folder) for folder in folders))
        for folder in self.folders:
            if not folder.is_dir():
                raise UsageError(Fault("R05", f'"{folder}" is not a folder', "name a folder with protocols/, blocks/, drugs/ or site.yaml.", "--library"))
        self.drugs = Drugs(self._files("drugs"))
        self._proved = lru_cache(maxsize=256)(self._load_proved)

    def _files(self, kind: str) -> dict[str, Path]:
        return {path.stem: path for folder in self.folders for path in sorted((folder / kind).glob("*.yaml"))}

    @property
    def site(self) -> Site:
        """The house conventions: the last `site.yaml` of the folders."""
        path = self._site_file
        return _load(path, path.stat().st_mtime_ns, Site, "site.yaml")[0]

    @cached_property
    def _site_file(self) -> Path:
        return next(folder / "site.yaml" for folder in reversed(self.folders) if (folder / "site.yaml").is_file())

    @cached_property
    def policies(self) -> Policies:
        """The named rules for dosing weights and rounding; a later folder wins, rule by rule. Read when one is named."""
        from dosing.regimen.policies import Policies

        files = [folder / "policies.yaml" for folder in self.folders if (folder / "policies.yaml").is_file()]
        read = [_load(path, path.stat().st_mtime_ns, Policies, "policies.yaml")[0] for path in files]
        merged = {kind: {name: rule for one in read for name, rule in getattr(one, kind).items()} for kind in ("weights", "rounding")}
        return Policies().model_copy(update=merged)

    @property
    def regimens(self) -> dict[str, Path]:
        """Every protocol and block by id."""
        return {name: path for kind in KINDS for name, path in self._files(kind).items()}

    def regimen(self, name: str | Path) -> Regimen:
        """A regimen by id, `id@version` or path, with every rule checked.

        Raises `UsageError` for an unknown id (with the nearest one) and `RegimenError` with all faults of the file.
        """
        path, version = self._find(str(name))
        found, tree = self._proved(path, path.stat().st_mtime_ns if path.exists() else 0)
        if version and version != found.version:
            raise UsageError(Fault("R07", f"{found.id} is at version {found.version}, not {version}", "name the version that is there.", str(name)))
        return found

    def _load_proved(self, path: Path, changed: int) -> tuple[Regimen, Tree]:
        found, tree = _load(path, changed, Regimen, path.name)
        self.prove(found, tree)
        return found, tree

    def parse(self, data: bytes, name: str) -> Regimen:
        """A regimen from the bytes of a file, with every rule checked."""
        found, tree = parse(data, Regimen, name)
        self.prove(found, tree)
        return found

    def prove(self, regimen: Regimen, tree: Tree) -> None:
        """Raise `RegimenError` with every fault the rules find, each with its line."""
        found = [fault.at(tree.where(place)) for place, fault in (*rules.faults(regimen, self.drugs), *rules.names_of_policies(regimen, lambda: self.policies))]
        if found:
            raise RegimenError(*found)

    def _find(self, name: str) -> tuple[Path, str]:
        if name.endswith((".yaml", ".yml", ".json")) or "/" in name:
            return Path(name), ""
        stem, _, version = name.partition("@")
        for folder in reversed(self.folders):
            for kind in reversed(KINDS):
                if (path := folder / kind / f"{stem}.yaml").is_file():
                    return path, version
        raise UsageError(Fault("R05", f'there is no regimen "{stem}"', closest(stem, self.regimens), "regimen"))

    def drug_of(self, drug: Drug, product: str) -> Drug:
        """The drug whose file holds a product: the drug itself or one of those it may turn out to be."""
        owners = [drug, *(self.drugs[name] for name in drug.one_of)]
        for owner in owners:
            if product in owner.products:
                return owner
        known = {name for owner in owners for name in owner.products}
        raise UsageError(Fault("R10", f'"{product}" is no product of {drug.id}', closest(product, known), "product"))


@lru_cache(maxsize=16)
def library(folders: tuple[str, ...] = ()) -> Library:
    """A `Library` over the shipped one; the same folders give the same object."""
    return Library(folders)


def load_regimen(name: str | Path, library_folders: Iterable[str] = ()) -> Regimen:
    """A regimen by id, `id@version` or path (see `Library.regimen`)."""
    return library(tuple(library_folders)).regimen(name)
