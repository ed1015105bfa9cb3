"""Search, hashtag pages and recent searches."""
