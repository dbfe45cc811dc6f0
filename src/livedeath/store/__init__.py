"""The study on disk: journal, images, tables, and how bytes become durable."""
