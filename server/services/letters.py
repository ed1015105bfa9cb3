"""What stands in the letters, in text and in HTML. Who gets them, and when, is decided by those who send them."""

import html

from server.gateways.mail import Letter

PAGE = """\
<!doctype html>
<html lang="en">
<body style="font-family: sans-serif; line-height: 1.5; max-width: 34em; margin: 2em auto; padding: 0 1em">
{paragraphs}
</body>
</html>
"""
BUTTON = (
    '<a href="{link}" style="display: inline-block; padding: 0.6em 1.2em; background: #1a5fb4; color: #ffffff;'
    ' text-decoration: none; border-radius: 0.4em">{label}</a>'
)


def reset_letter(key: str, to: str, username: str, link: str, minutes: int) -> Letter:
    """The link to a page that takes a new password."""
    greeting = f"Hello {username},"
    reason = "somebody asked for a new password for your account. Choose one here:"
    limits = (
        f"The link is good for {minutes} minutes, and once. If it was not you who asked, do nothing: your password"
        " stays as it is."
    )
    return Letter(
        key=key,
        to=to,
        subject="Choose a new password",
        text=f"{greeting}\n\n{reason}\n\n{link}\n\n{limits}\n",
        html=_page(
            html.escape(greeting),
            html.escape(reason),
            BUTTON.format(link=html.escape(link), label="Choose a new password"),
            html.escape(limits),
        ),
    )


def password_changed_letter(key: str, to: str, username: str) -> Letter:
    """Word that the password was changed, for the case that its owner did not do it."""
    greeting = f"Hello {username},"
    fact = "the password of your account was changed, and your other devices were signed out."
    advice = 'If it was not you, ask for a new one at once, with "forgot password" where you sign in.'
    return Letter(
        key=key,
        to=to,
        subject="Your password was changed",
        text=f"{greeting}\n\n{fact}\n\n{advice}\n",
        html=_page(*map(html.escape, (greeting, fact, advice))),
    )


def address_changed_letter(key: str, to: str, username: str, email: str) -> Letter:
    """Word to the address before that another one has taken its place, for the case that its owner did not do it."""
    greeting = f"Hello {username},"
    fact = (
        f"the e-mail address of your account was changed to {email}. Nothing is mailed to this one any more."
    )
    advice = (
        "If it was not you, somebody else knows your password: sign in, change it, and give your own address again."
        " If you cannot sign in any more, write to the people who run the service."
    )
    return Letter(
        key=key,
        to=to,
        subject="Your e-mail address was changed",
        text=f"{greeting}\n\n{fact}\n\n{advice}\n",
        html=_page(*map(html.escape, (greeting, fact, advice))),
    )


def _page(*paragraphs: str) -> str:
    return PAGE.format(paragraphs="\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs))
