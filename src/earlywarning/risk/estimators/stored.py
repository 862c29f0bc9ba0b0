"""From stored files back to an estimator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from earlywarning.errors import ArtifactError
from earlywarning.risk.estimators.base import MAIN_FILE, Estimator
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.borrowed import INSIDE, Borrowed
from earlywarning.risk.estimators.grouped import GROUPS_FILE, Grouped
from earlywarning.risk.estimators.last_value import LastValue
from earlywarning.risk.estimators.logistic import Logistic
from earlywarning.risk.estimators.rule import Rule

KINDS: dict[str, type[Estimator]] = {
    kind.kind: kind for kind in (Rule, LastValue, Logistic, Boosted)
}


def from_files(files: Mapping[str, bytes]) -> Estimator:
    """The estimator that `to_files` stored.

    The bytes must have been checked before: XGBoost reads cut-off trees past their end, and may
    then ask for more memory than there is.

    Raises
    ------
    ArtifactError
        If the files are not those of an estimator.
    """
    try:
        kind = json.loads(files[MAIN_FILE])["kind"]
        if kind == Borrowed.kind:
            inside = {
                name.removeprefix(INSIDE): data
                for name, data in files.items()
                if name.startswith(INSIDE)
            }
            if json.loads(inside[MAIN_FILE])["kind"] not in KINDS:
                raise ValueError("a borrowed model may hold one of our own kinds only")
            return cast("Estimator", Borrowed.around(from_files(inside), files))
        made = KINDS[kind].from_files(files)
        # A kind of its own it is not: it passes for what is inside.
        return cast("Estimator", Grouped.around(made, files)) if GROUPS_FILE in files else made
    except (KeyError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"a stored model cannot be read ({type(error).__name__}: {error}); it was made by "
            "another version of earlywarning: train again with `earlywarning train`"
        ) from error
