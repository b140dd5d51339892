"""The hotline's menus as data: what callers are asked, checked before it goes live, interpreted step by step."""
