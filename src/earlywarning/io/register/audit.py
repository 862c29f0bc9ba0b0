"""Attributes by which lists are compared, read after training: they never enter a feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import select

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, Student


def attributes(register: Register, ids: pd.DataFrame) -> dict[str, np.ndarray]:
    """Sex, grade level and school of some students, empty text where not recorded.

    Parameters
    ----------
    register : Register
    ids : DataFrame, shape (n, 4)
        quarter, student_id, school_id, class_id.

    Returns
    -------
    dict of name to array of str, shape (n,)
        Row for row with `ids`; the grade level is that of the class in that quarter.
    """
    with register.session() as session:
        sexes = session.execute(
            select(Student.student_id, Student.sex).where(Student.sex.is_not(None))
        ).all()
        levels = session.execute(
            select(ClassGroup.class_id, ClassGroup.grade_level).where(
                ClassGroup.grade_level.is_not(None)
            )
        ).all()
    sex = {student: str(value) for student, value in sexes}
    level = {class_id: str(value) for class_id, value in levels}
    return {
        "sex": np.array([sex.get(student, "") for student in ids["student_id"]], dtype=str),
        "grade_level": np.array([level.get(name, "") for name in ids["class_id"]], dtype=str),
        "school": ids["school_id"].to_numpy(dtype=str),
    }
