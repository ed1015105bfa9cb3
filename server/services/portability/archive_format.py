"""The format of an export: the names of its files, and the text that explains it. docs/export.md has the schema."""

FORMAT = "photofeed-export"
VERSION = 1
MANIFEST = "manifest.json"
README = "README.txt"
POSTS = "posts.json"
DRAFTS = "drafts.json"
UNUSED_MEDIA = "unused_media.json"
PICTURES = "pictures"
AVATAR = "pictures/avatar"
PUBLISHED = "published"
TAKEN_DOWN = "taken_down"
ARCHIVED = "archived"

README_TEXT = """\
This archive has everything that photofeed stores about the account @{username},
as of {created}.

manifest.json              what this archive is: its format, version, date and account
profile.json               your profile and the state of your account
posts.json                 your posts with captions, alt texts and dates, oldest first
drafts.json                your drafts and scheduled posts, which only you see
unused_media.json          pictures that you uploaded and that no post uses
pictures/                  the pictures, named in posts.json, drafts.json, unused_media.json and profile.json
comments.json, likes.json  what you wrote and liked; the posts of others are named by id
following.json, ...        people that you follow, asked to follow, blocked or muted, and who follows you
notifications.json         your notifications; notification_preferences.json and email_preferences.json what you chose
sessions.json              where you signed in, and devices.json the apps that receive pushes
reports.json               what you reported, and moderation.json what moderators decided about you

The files are JSON in UTF-8. Times are UTC. Ids are decimal strings.
Pictures are as you uploaded them if the service keeps originals, otherwise the largest
version that it shows: "original" in posts.json says which.

Another photofeed server can import it: python run.py import --user NAME --file THIS.zip
"""


def entry_of(name: str) -> str:
    """Return the name of a data file in the archive."""
    return f"{name}.json"
