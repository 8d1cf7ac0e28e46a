"""The sample people: owners, staff and students, with accounts that share one password."""

from dataclasses import dataclass

from studyspot.domain.people import Actor, Role

PASSWORD = "studyspot-demo"  # noqa: S105 - it is told to everyone, and opens nothing but sample data

_STUDENTS = (
    *("Asha Rao", "Ravi Kulkarni", "Neha Deshpande", "Arjun Patil", "Priya Nair", "Rohan Joshi"),
    *("Sneha Iyer", "Vikram Singh", "Ananya Gupta", "Karan Mehta", "Pooja Shinde", "Aditya Verma"),
    *("Kavya Reddy", "Siddharth Jain", "Meghna Das", "Rahul Chavan", "Ishita Bose", "Manish Yadav"),
    *("Divya Menon", "Nikhil Pawar", "Ritika Sharma", "Saurabh Mishra", "Tanvi Kale", "Harsh Agarwal"),
    *("Lakshmi Pillai", "Amit Tiwari", "Shreya Ghosh", "Varun Kapoor", "Aarti Jadhav", "Deepak Kumar"),
    *("Nandini Hegde", "Yash Thakur", "Simran Kaur", "Omkar Gaikwad", "Fatima Shaikh", "Joseph Mathew"),
    *("Gauri Phadke", "Imran Khan", "Swati Bhosale", "Akash Dubey", "Mitali Sen", "Prakash Naik"),
    *("Zoya Ansari", "Tejas Sawant", "Bhavana Shetty", "Kunal Malhotra", "Padma Rangan", "Mohit Saxena"),
    *("Charu Bhatt", "Dhruv Parekh", "Eesha Barve", "Girish Kamath", "Hema Subramanian", "Jai Rathore"),
)
_OWNERS = ("Meera Joshi", "Suresh Bansal", "Leela Krishnan")
_STAFF = ("Ganesh More", "Rekha Chauhan", "Thomas George")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; `user_id` tells in the log whom it is about, as sample data may."""

    user_id: str
    name: str
    registers_as: Role

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@example.in"

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.registers_as)


def _people(names: tuple[str, ...], kind: str, role: Role) -> tuple[Person, ...]:
    return tuple(Person(f"{kind}-{name.split()[0].lower()}", name, role) for name in names)


STUDENTS = _people(_STUDENTS, "student", "student")
OWNERS = _people(_OWNERS, "owner", "library_owner")
STAFF = _people(_STAFF, "staff", "student")
"""They register as everyone does, and become staff when they accept."""
PEOPLE = (*OWNERS, *STAFF, *STUDENTS)
