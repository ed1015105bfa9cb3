"""Tables of the search index, hashtags and recent searches."""
