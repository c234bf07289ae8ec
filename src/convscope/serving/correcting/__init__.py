"""Behind the page of errors: `shown` and `matrix`, what it shows; `pictures`; `refits`, fitted again."""
