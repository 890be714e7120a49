"""Where regimen, drug and site files are: the shipped library, then any folders laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache, reduce
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dosing.errors import Fault, RegimenError, UsageError, closest
from dosing.regimen import conflicts, rules, timing, trust  # noqa: F401  timing and conflicts register their rules
from dosing.regimen.drug import Drug
from dosing.regimen.loader import Tree, load, modelled, parse, read, read_mapping, read_tree, sound_part
from dosing.regimen.model import Model
from dosing.regimen.schema import Regimen
from dosing.regimen.site import Convention, Site, conventions, laid

if TYPE_CHECKING:
    from dosing.regimen.policies import Policies

M = TypeVar("M", bound=Model)
Layers = tuple[tuple[Path, str], ...]  # files laid over each other, the shipped one first, each with the name it is told by
KINDS = ("protocols", "blocks")
FIGURES = ("at", "bsa", "bsa_step", "bsa_floor", "weight_step", "rounding_limit", "rounding", "weight_rules")  # site conventions that make doses and hours


def shipped() -> Path:
    """The folder of the shipped library: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_regimens"
    return installed if installed.is_dir() else package.parent / "regimens"


def _digest(parts: Iterable[bytes]) -> str:
    return sha256(b"".join(parts)).hexdigest()


@lru_cache(maxsize=512)
def _load(path: Path, changed: int, model: type[M], name: str) -> tuple[M, Tree]:
    return load(path, model, name)


@lru_cache(maxsize=64)
def _load_site(files: Layers, changed: tuple[int, ...]) -> tuple[Site, Tree]:
    tree = reduce(laid, (read_mapping(read(path), name) for path, name in files))
    return modelled(tree, Site), tree


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
    """The shipped files with the overlay folders of a site; a later folder wins: file by file, conventions key by key, policies rule by rule."""

    def __init__(self, folders: Iterable[str | Path] = ()):
        self.folders = (shipped(), *(Path(folder) for folder in folders))
        for folder in self.folders:
            if not folder.is_dir():
                raise UsageError(Fault("R05", f'"{folder}" is not a folder', "name a folder with protocols/, blocks/, drugs/ or site.yaml.", "--library"))
        self.drugs = Drugs(self._files("drugs"))
        self._site_seen: tuple[list[int], Any] = ([], None)
        self._proved = lru_cache(maxsize=256)(self._load_proved)

    def _files(self, kind: str) -> dict[str, Path]:
        return {path.stem: path for folder in self.folders for path in sorted((folder / kind).glob("*.yaml")) if "@" not in path.stem}

    @property
    def site(self) -> Site:
        """The house conventions in effect: each folder's `site.yaml` laid over those before it, key by key."""
        return self._site[0]

    @property
    def conventions(self) -> list[Convention]:
        """Every house convention in effect, as written, with the `file:line` that states it."""
        return list(conventions(self._site[1]))

    @property
    def _site(self) -> tuple[Site, Tree]:
        changed = [path.stat().st_mtime_ns for path in self._site_paths]
        if changed != self._site_seen[0]:
            self._site_seen = changed, _load_site(self._layers("site.yaml"), tuple(changed))
        return self._site_seen[1]

    @cached_property
    def _site_paths(self) -> list[Path]:
        return [path for path, _ in self._layers("site.yaml")]

    @cached_property
    def policies(self) -> Policies:
        """The named rules for dosing weights and rounding; a later folder wins, rule by rule. Read when one is named."""
        from dosing.regimen.policies import Policies

        read = [_load(path, path.stat().st_mtime_ns, Policies, name)[0] for path, name in self._layers("policies.yaml")]
        merged = {kind: {name: rule for one in read for name, rule in getattr(one, kind).items()} for kind in ("weights", "rounding")}
        return Policies().model_copy(update=merged)

    def _layers(self, file: str) -> Layers:
        """A file of every folder that has it, each with the name by which its faults are told apart."""
        names = [folder.name for folder in self.folders]
        told = [folder.name if names.count(folder.name) == 1 else str(folder) for folder in self.folders]
        return tuple((folder / file, f"{name}/{file}") for folder, name in zip(self.folders, told, strict=True) if (folder / file).is_file())

    @property
    def regimens(self) -> dict[str, Path]:
        """Every protocol and block by id, in its present version."""
        return {name: path for kind in KINDS for name, path in self._files(kind).items()}

    @property
    def earlier(self) -> dict[str, Path]:
        """The superseded versions that are kept beside the present ones as `id@version.yaml`, by that name."""
        return {path.stem: path for folder in self.folders for kind in KINDS for path in sorted((folder / kind).glob("*@*.yaml"))}

    def regimen(self, name: str | Path, unreleased: bool = False) -> Regimen:
        """A regimen by id, `id@version` or path, with every rule checked, and held against the lock of released files.

        Raises `UsageError` for an unknown id (with the nearest one) and `RegimenError` with all faults of the file;
        `unreleased` leaves the lock aside, for a file that is about to be released.
        """
        path = self.path(str(name))
        found = self._proved(path, path.stat().st_mtime_ns)
        if path.suffix != Path(str(name)).suffix and found.id != path.stem.partition("@")[0]:
            raise RegimenError(Fault("R05", f'the id "{found.id}" differs from the file name', f"write id: {path.stem.partition('@')[0]}, or name the file {found.id}.yaml.", f"{path.name}:1"))
        return found if unreleased else self._held_to_its_release(found, trust.entries(dict.fromkeys((*self.folders, trust.folder_of(path)))))

    def _held_to_its_release(self, found: Regimen, released: Mapping[str, trust.Entry]) -> Regimen:
        """A regimen that is as it was released, told what it hangs on and is not so any more; R07 where it has changed itself."""
        if wrong := trust.fault(found, released):
            raise RegimenError(wrong)
        entry = released.get(f"{found.id}@{found.version}")
        changed = trust.changed_since(entry, self.facts(found)) if entry else ()
        return found.model_copy(update={"changed_since": changed}) if changed else found

    def facts(self, regimen: Regimen) -> dict[str, str]:
        """The SHA-256 of what a regimen's figures hang on beside itself: drug files, named policies, site conventions."""
        named = {order.drug for order in regimen.orders}
        drugs = sorted(named.union(*(self.drugs[drug].one_of for drug in named)))
        rules_of = {*self.site.weight_rules, self.site.rounding, *(name for order in regimen.orders for name in (order.weight, order.rounding))}
        found = {f"drugs/{drug}.yaml": self.drugs[drug].sha256 for drug in drugs}
        if rules_of & {*self.policies.weights, *self.policies.rounding}:
            found["policies.yaml"] = _digest(path.read_bytes() for path, _ in self._layers("policies.yaml"))
        return found | {"site.yaml": _digest(f"{key}: {getattr(self.site, key)}\n".encode() for key in FIGURES)}

    def _load_proved(self, path: Path, changed: int) -> Regimen:
        try:
            found, tree = _load(path, changed, Regimen, path.name)
        except RegimenError as error:
            raise RegimenError(*error.faults, *self._further(path)) from None
        self.prove(found, tree)
        before, after = self._predecessor(found, path), self._successor(found, path)
        if found.supersedes and not before:
            raise RegimenError(Fault("R05", f"no file holds {found.supersedes}", f"keep the superseded file as {found.supersedes}.yaml beside this one.", tree.where(("supersedes",))))
        return found.model_copy(update={"superseded_by": after}) if after else found

    def _further(self, path: Path) -> list[Fault]:
        """What the rules find in the sound part of a file whose form is at fault, so that all is told at once."""
        if not path.is_file() or not (part := sound_part(read_tree(path.read_bytes(), path.name), Regimen)):
            return []
        return self._faults(*part, in_part=True)

    def _versions(self, name: str, near: Path) -> Iterator[Regimen]:
        """Every version of a regimen that the library, or the folder of a file, holds; a file that cannot be read is none."""
        for folder in dict.fromkeys((near.parent, *(folder / kind for folder in self.folders for kind in KINDS))):
            for path in (folder / f"{name}.yaml", *sorted(folder.glob(f"{name}@*.yaml"))):
                with suppress(RegimenError, FileNotFoundError):
                    yield _load(path, path.stat().st_mtime_ns, Regimen, path.name)[0]

    def _predecessor(self, regimen: Regimen, path: Path) -> bool:
        return bool(regimen.supersedes) and any(f"{one.id}@{one.version}" == regimen.supersedes for one in self._versions(regimen.id, path))

    def _successor(self, regimen: Regimen, path: Path) -> str:
        """The `id@version` that supersedes a regimen, empty where none does."""
        if not any(path.parent.glob(f"{regimen.id}@*.yaml")) and "@" not in path.stem and len(self.folders) == 1:
            return ""  # one version only: nothing else is read
        return next((f"{one.id}@{one.version}" for one in self._versions(regimen.id, path) if one.supersedes == f"{regimen.id}@{regimen.version}"), "")

    def parse(self, data: bytes, name: str) -> Regimen:
        """A regimen from the bytes of a file, with every rule checked."""
        found, tree = parse(data, Regimen, name)
        self.prove(found, tree)
        return found

    def prove(self, regimen: Regimen, tree: Tree) -> None:
        """Raise `RegimenError` with every fault the rules find, each with its line."""
        if found := self._faults(regimen, tree):
            raise RegimenError(*found)

    def _faults(self, regimen: Regimen, tree: Tree, in_part: bool = False) -> list[Fault]:
        found = (*rules.faults(regimen, self.drugs, in_part), *rules.names_of_policies(regimen, lambda: self.policies))
        return [fault.at(tree.where(place)) for place, fault in found]

    def path(self, name: str) -> Path:
        """The file of a regimen by id, `id@version` or path; `UsageError` where there is none, with the nearest name."""
        if name.endswith((".yaml", ".yml", ".json")) or "/" in name:
            if not Path(name).is_file():
                raise UsageError(Fault("R05", f'there is no file "{name}"', "check its name.", "regimen"))
            return Path(name)
        stem, _, version = name.partition("@")
        for folder in reversed(self.folders):
            for kind in reversed(KINDS):
                found = [folder / kind / f"{stem}.yaml"] if not version else [folder / kind / f"{stem}@{version}.yaml", folder / kind / f"{stem}.yaml"]
                for path in found:
                    if path.is_file() and (not version or self._at(path).version == version):
                        return path
        raise self._unknown(stem, version)

    @staticmethod
    def _at(path: Path) -> Regimen:
        return _load(path, path.stat().st_mtime_ns, Regimen, path.name)[0]

    def _unknown(self, stem: str, version: str) -> UsageError:
        if not version or stem not in self.regimens:
            return UsageError(Fault("R05", f'there is no regimen "{stem}"', closest(stem, self.regimens), "regimen"))
        there = ", ".join(dict.fromkeys(one.version for one in self._versions(stem, self.regimens[stem])))
        return UsageError(Fault("R07", f"{stem} has no version {version} here", f"name a version that is there: {there}.", f"{stem}@{version}"))

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
