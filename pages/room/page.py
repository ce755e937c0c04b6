"""A student's page of a room."""

from pages.room import student

student.show()
