"""`contextalk weights`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from contextalk.cli.console import Answer, OptionalPath, table
from contextalk.core.choices import Progress
from contextalk.core.errors import ContextalkError


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Get and check published weights: of some figures, of who speaks, of Wav2Lip's lip references.

    Nothing else ever fetches anything.

    Attributes:
        action: list (what there is, what for, which licence, whether it is here), fetch (from their sources,
            resumable), import NAME PATH (a file got by other means, or a folder that holds it), or verify (SHA-256 and
            tensors).
        names: Which weights, unless all (verify) or all that have an address (fetch); import: one name and a path.
        folder: Where weights are kept; default: contextalk/weights in the user's cache folder.
        source: fetch: take the files by their published names from this address or local folder instead.
        json: Print the answer as JSON.
    """

    action: Annotated[Positional[Literal["list", "fetch", "import", "verify"]], arg(metavar="list|fetch|import|verify")]
    names: Annotated[Positional[tuple[str, ...]], arg(metavar="[NAME ...]")] = ()
    folder: OptionalPath = None
    source: Annotated[str | None, arg(metavar="ADDRESS|PATH")] = None
    json: bool = False

    def run(self, progress: Progress) -> Answer:
        """Do it."""
        from contextalk.models.weights import default_folder

        folder = self.folder or default_folder()
        if self.source is not None and self.action != "fetch":
            raise ContextalkError(f"--source is for fetch, seen {self.action}")
        if self.action == "list":
            return self._list(folder)
        if self.action == "import":
            return self._import(folder)
        return self._fetch(folder, progress) if self.action == "fetch" else self._verify(folder)

    def _list(self, folder: Path) -> Answer:
        from contextalk.models.weights import REGISTRY

        if self.names:
            raise ContextalkError(f"list takes no names, seen {self.names[0]!r}")
        here = {published.name: (folder / published.file).is_file() for published in REGISTRY}
        header = ("name", "here", "for", "licence", "SHA-256")
        rows = [
            (one.name, "yes" if here[one.name] else "no", one.used_for, one.licence, f"{one.sha256[:12]}…")
            for one in REGISTRY
        ]
        sources = "\n".join(
            f"{one.name}: {one.url or f'import {one.file}'}{f' of {one.page}' if one.page else ''}" for one in REGISTRY
        )
        return Answer(
            text=f"{table(header, rows)}\n\n{sources}\n\nkept in {folder}",
            data={"folder": str(folder), "weights": [{**asdict(one), "here": here[one.name]} for one in REGISTRY]},
        )

    def _fetch(self, folder: Path, progress: Progress) -> Answer:
        from contextalk.models.weights import REGISTRY, fetch_weights, find_published, import_weights

        # Without names: all that somebody offers to programs; what a source offers to people alone is told of.
        unnamed = [one for one in REGISTRY if self.source is not None or one.url is not None]
        chosen = [find_published(name) for name in self.names] or unnamed
        apart = [] if self.names else [one.name for one in REGISTRY if one not in unnamed]
        files: dict[str, str] = {}
        for one in chosen:
            if self.source is not None and "://" not in self.source:
                file = import_weights(one, Path(self.source) / one.file, folder)
            else:
                url = None if self.source is None else f"{self.source.rstrip('/')}/{one.file}"
                file = fetch_weights(one, folder, url=url, progress=progress)
            files[one.name] = str(file)
        lines = [f"{name}: {file}" for name, file in files.items()]
        lines += [f"{name}: to be imported, `contextalk weights list` says from where" for name in apart]
        return Answer(text="\n".join(lines), data={"files": files, "to_import": apart})

    def _import(self, folder: Path) -> Answer:
        from contextalk.models.weights import find_published, import_weights

        if len(self.names) != 2:
            raise ContextalkError(f"import wants a name and a path, seen {len(self.names)} words after it")
        name, path = self.names
        file = import_weights(find_published(name), Path(path), folder)
        return Answer(text=f"{name}: {file}", data={"files": {name: str(file)}})

    def _verify(self, folder: Path) -> Answer:
        from contextalk.models.weights import REGISTRY, check_file, find_published

        chosen = [find_published(name) for name in self.names] or list(REGISTRY)
        states: dict[str, str] = {}
        damaged: list[str] = []
        for one in chosen:
            file = folder / one.file
            if not file.is_file():
                if self.names:
                    get = f"fetch {one.name}` gets it" if one.url else f"import {one.name} FILE` puts it there"
                    raise ContextalkError(f"{file} does not exist: `contextalk weights {get}")
                states[one.name] = "not here"
                continue
            try:
                states[one.name] = f"as published, SHA-256 {check_file(one, file)}"
            except ContextalkError as error:
                damaged.append(str(error))
        if damaged:
            raise ContextalkError("; ".join(damaged))
        return Answer(text="\n".join(f"{name}: {state}" for name, state in states.items()), data={"weights": states})
