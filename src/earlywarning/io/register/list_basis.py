"""What a list takes from the register: families, homeroom teachers, capacities."""

from __future__ import annotations

from sqlalchemy import select

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, Household, Staff, Student
from earlywarning.visits.cohort import Registered


def registered(register: Register) -> Registered:
    """Everything that a list needs, of all schools, as it stands now."""
    with register.session() as session:
        households = session.execute(
            select(Student.student_id, Student.household_id).where(
                Student.household_id.is_not(None)
            )
        ).all()
        classes = session.execute(
            select(ClassGroup.class_id, ClassGroup.homeroom_staff_id, ClassGroup.grade_level)
        ).all()
        capacities = session.execute(
            select(Staff.staff_id, Staff.max_visits).where(Staff.max_visits.is_not(None))
        ).all()
        closed = session.scalars(select(Household.household_id).where(Household.do_not_visit)).all()
    return Registered(
        households={student: str(household) for student, household in households},
        leads={class_id: lead for class_id, lead, _ in classes if lead is not None},
        grade_levels={class_id: level for class_id, _, level in classes},
        capacities={staff: max(0, int(most or 0)) for staff, most in capacities},
        do_not_visit=frozenset(closed),
    )
