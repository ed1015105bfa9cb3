"""Examples of request bodies by schema. They work for `ana` of the sample data, or name what is missing."""

from collections.abc import Mapping
from typing import Any

EXAMPLE_ID = "7160450398126080"
PASSWORD = "correct horse"  # noqa: S105 - of the sample users
_ASSERTION = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
}
_ATTESTATION = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "AAAA", "attestationObject": "AAAA"},
}
_ID_TOKEN = {"idToken": "eyJhbGciOiJSUzI1NiJ9.e30.signature", "nonce": "n-0S6_WzA2Mj"}
_CHANNELS = {"push": True, "email": False}

BODIES: Mapping[str, Any] = {
    "RegisterBody": {
        "username": "dora_lens",
        "email": "dora@example.com",
        "password": "a lens and a hill",
        "fullName": "Dora Lens",
    },
    "LoginBody": {"username": "ana", "password": PASSWORD},
    "RefreshBody": {"refreshToken": "eyJhbGciOiJIUzI1NiJ9.e30.signature"},
    "ConfirmationBody": {"password": PASSWORD},
    "ChangePasswordBody": {"oldPassword": PASSWORD, "newPassword": "another horse, 7 hills"},
    "ForgotPasswordBody": {"email": "ana@example.com"},
    "ResetPasswordBody": {"token": "from-the-link-in-the-e-mail", "newPassword": "another horse, 7 hills"},
    "EmailTokenBody": {"token": "from-the-link-in-the-e-mail"},
    "ChangeEmailBody": {"password": PASSWORD, "newEmail": "ana.lima@example.com"},
    "ProviderSignInBody": {**_ID_TOKEN, "username": "dora_lens"},
    "LinkProviderBody": {**_ID_TOKEN, "password": PASSWORD},
    "ProviderReauthenticationBody": _ID_TOKEN,
    "RegisterPasskeyBody": {"credential": _ATTESTATION, "name": "My phone"},
    "PasskeySignInBody": {"credential": _ASSERTION},
    "PasskeyReauthenticationBody": {"credential": _ASSERTION},
    "RenamePasskeyBody": {"name": "My phone"},
    "SecondFactorCodeBody": {"code": "123456"},
    "VerifySecondFactorBody": {"challenge": "from-the-sign-in", "code": "123456"},
    "EditProfileBody": {"fullName": "Ana Lima", "bio": "Light and hills"},
    "PublishBody": {"mediaIds": [EXAMPLE_ID], "caption": "The last light #sunset", "audience": "public"},
    "EditPostBody": {"caption": "The first light #sunrise"},
    "TagSettingsBody": {"allowedFrom": "following", "manualApproval": True},
    "EditMediaBody": {"altText": "The sea at dusk"},
    "CommentBody": {"content": "Well seen!"},
    "EditCommentBody": {"content": "Well seen, both of you!"},
    "CommentSettingsBody": {"allowedFrom": "followers", "hiddenWords": ["casino", "free money"]},
    "ReportBody": {"subjectType": "post", "subjectId": EXAMPLE_ID, "reason": "spam"},
    "DecisionBody": {"action": "dismiss", "note": "A harmless picture"},
    "ContentFilterBody": {"kind": "phrase", "pattern": "cheap watches", "action": "report"},
    "ContentFilterActionBody": {"action": "refuse"},
    "AppealBody": {"decisionId": EXAMPLE_ID, "comment": "The picture is my own."},
    "TokenAppealBody": {"token": "from-the-link-in-the-e-mail", "comment": "The picture is my own."},
    "AppealOutcomeBody": {"outcome": "uphold"},
    "RoleBody": {"role": "moderator", "password": PASSWORD},
    "DecisionNoteBody": {"note": "A mistake"},
    "CollectionBody": {"name": "Light and hills"},
    "RecentSearchBody": {"q": "sunset"},
    "ReadNotificationsBody": {"all": True},
    "NotificationPreferencesBody": {"like": _CHANNELS},
    "RegisterDeviceBody": {"token": "registration-token-of-firebase", "platform": "android"},
    "UnregisterDeviceBody": {"token": "registration-token-of-firebase", "platform": "android"},
    "FailedJobsBody": {"all": True},
    "DelayedJobsBody": {"all": True},
}
