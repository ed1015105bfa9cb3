"""Pages, feeds and previews of what everybody may see, for readers without an app."""
