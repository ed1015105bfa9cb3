"""Sessions: signed-in devices, and the refresh token that each may use next.

A session covers all tokens that followed one another since its sign-in. `revocations` keeps revoked sessions out;
`tokens` defines the tokens. Times are the database's own because the clocks of processes may differ.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from functools import partial

import structlog

from server.errors import NotFound
from server.events import CacheKey, SignedInOnNewDevice
from server.ids import SessionId, UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.sessions import (
    LockedSession,
    NewSession,
    RotatedSession,
    SessionRepository,
    SessionRow,
)
from server.models.accounts.users import UserRepository
from server.paging import Page, PageRequest, cut
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.account_tiers import AccountTiers
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.password_authentication import wrong_credentials
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import RefreshClaim, Tokens, invalid_refresh_token, new_device_id
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import (
    LoginSession,
    Principal,
    Role,
    SecondFactorMethod,
    SignInMethod,
    TokenPair,
)

log = structlog.get_logger(__name__)

MAX_USER_AGENT_LENGTH = 200
MAX_ADDRESS_LENGTH = 45


@dataclass(frozen=True, slots=True)
class SignIn:
    """A completed sign-in. `password_changed_at_ms`: when the password was set that was valid then.

    `new_device`: the owner gets an e-mail. `has_all_factors`: it counts as a reauthentication.
    """

    user_id: UserId
    password_changed_at_ms: int
    user_agent: str
    address: str
    new_device: bool = False
    method: SignInMethod = SignInMethod.PASSWORD
    second_factor: SecondFactorMethod | None = None
    has_all_factors: bool = False


@dataclass(frozen=True, slots=True)
class Rotation:
    """The refresh token that follows a used one, when that one was used, and when the session expires.

    `role` and `sanctioned_until_ms` are for the access token.
    """

    following: RefreshClaim
    rotated_at_ms: int
    session_expires_at_ms: int
    role: Role
    sanctioned_until_ms: int


class Sessions:
    def __init__(
        self,
        sessions: SessionRepository,
        logins: LoginRepository,
        users: UserRepository,
        unit_of_work: UnitOfWork,
        tokens: Tokens,
        revocations: Revocations,
        statuses: AccountStatuses,
        tiers: AccountTiers,
    ) -> None:
        self._sessions = sessions
        self._logins = logins
        self._users = users
        self._unit_of_work = unit_of_work
        self._tokens = tokens
        self._revocations = revocations
        self._statuses = statuses
        self._tiers = tiers
        self._active = ActiveSessions(sessions, tokens.rules.refresh_idle_s)

    async def create(
        self,
        user_id: UserId,
        password_changed_at_ms: int,
        user_agent: str,
        address: str,
        *,
        device_id: str | None = None,
        new_device: bool = False,
    ) -> TokenPair:
        """Sign a device in whose user proved all factors; see `authentication.sign_ins` for the other sign-ins.

        device_id: The device, if the user signed in on it before.

        Raises as `open`.
        """
        sign_in = SignIn(user_id, password_changed_at_ms, user_agent, address, new_device)
        rotation = await self._unit_of_work.run(
            partial(self.open, sign_in=sign_in), changes=(CacheKey("person", user_id),)
        )
        return self.issue(rotation, device_id)

    async def open(self, work: WorkContext, sign_in: SignIn) -> Rotation:
        """Insert a session within a transaction that names the user's card among its changes.

        An account that its owner deactivated or is deleting becomes active again.

        Raises Unauthenticated if the password changed since it was verified: the change revoked all sessions, and would
        have revoked this one. Raises Forbidden (`account_suspended`).
        """
        user_id, nonce = sign_in.user_id, secrets.token_urlsafe(24)
        user = await self._logins.lock(user_id)
        if user is None or user.password_changed_at_ms != sign_in.password_changed_at_ms:
            raise wrong_credentials()
        await self._statuses.admit(work, user_id)
        session = NewSession(
            id=SessionId(work.new_id()),
            user_id=user_id,
            refresh_hash=_hash(nonce),
            user_agent=sign_in.user_agent[:MAX_USER_AGENT_LENGTH],
            address=sign_in.address[:MAX_ADDRESS_LENGTH],
            created_at_ms=user.now_ms,
            expires_at_ms=user.now_ms + self._tokens.rules.refresh_absolute_s * 1000,
            method=sign_in.method,
            second_factor=sign_in.second_factor or "",
            reauthenticated_at_ms=user.now_ms if sign_in.has_all_factors else None,
        )
        await self._sessions.insert(session)
        if sign_in.new_device:
            work.emit(SignedInOnNewDevice(user_id, session.user_agent, session.address, user.now_ms))
        first = RefreshClaim(user_id, session.id, nonce)
        sanctioned_until_ms = await self._tiers.sanctioned_until_ms(user_id)
        return Rotation(first, user.now_ms, session.expires_at_ms, Role(user.role), sanctioned_until_ms)

    def issue(self, rotation: Rotation, device_id: str | None = None) -> TokenPair:
        """Return the tokens of a new session, after the commit. Without a `device_id` the device gets one."""
        device_token = self._tokens.issue_device(rotation.following.user_id, device_id or new_device_id())
        return replace(self._issue(rotation), device_token=device_token)

    async def refresh(self, refresh_token: str, user_agent: str, address: str) -> TokenPair:
        """Exchange a refresh token for a new pair with the user's current role and standing.

        A token that was used before revokes the session, because either the client or a thief used it. The last used
        token is an exception for a short overlap: a response may get lost, and two tabs may refresh at once. It returns
        the same refresh token as the first time, so that concurrent callers all hold the one valid token.

        Raises Unauthenticated, with the same text for every cause.
        """
        used = self._tokens.read_refresh(refresh_token)
        rotation = await self._unit_of_work.run(partial(self._rotate, used, user_agent, address))
        if rotation is None:
            await self._revocations.propagate(used.user_id)
            raise invalid_refresh_token()
        return self._issue(rotation)

    async def list_sessions(self, principal: Principal, page: PageRequest) -> Page[LoginSession]:
        """Return the user's active sessions, newest first."""
        rows = await self._sessions.list_by_user(
            principal.user_id, self._active.condition(), page.before_id, page.limit + 1
        )
        sessions = [login_session(row, principal.session_id) for row in rows]
        return cut(sessions, page.limit, lambda session: session.id)

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        """Sign one of the user's devices out; its next request is rejected. Raises NotFound."""

        async def revoke(work: WorkContext) -> bool:
            return await self._revocations.revoke(work, user_id, session_id)

        if not await self._unit_of_work.run(revoke):
            raise NotFound("Session not found.")
        await self._revocations.propagate(user_id)

    async def end_others(self, principal: Principal) -> None:
        """Sign all other devices of the user out; their next request is rejected."""

        async def revoke(work: WorkContext) -> None:
            await self._revocations.revoke_all(work, principal.user_id, principal.session_id)

        await self._unit_of_work.run(revoke)
        await self._revocations.propagate(principal.user_id)

    async def _rotate(
        self, used: RefreshClaim, user_agent: str, address: str, work: WorkContext
    ) -> Rotation | None:
        session = await self._sessions.lock(used.session_id)
        if session is None or session.user_id != used.user_id or not session.active:
            return None
        rotated_at_ms, used_hash = session.now_ms, _hash(used.nonce)
        if used_hash == session.refresh_hash:
            following = self._tokens.derive_successor(used, rotated_at_ms)
            rotated = RotatedSession(
                refresh_hash=_hash(following.nonce),
                previous_hash=used_hash,
                rotated_at_ms=rotated_at_ms,
                user_agent=user_agent[:MAX_USER_AGENT_LENGTH],
                address=address[:MAX_ADDRESS_LENGTH],
            )
            await self._sessions.rotate(used.session_id, rotated)
        elif used_hash == session.previous_hash and self._overlaps(session):
            rotated_at_ms = session.rotated_at_ms
            following = self._tokens.derive_successor(used, rotated_at_ms)
        else:
            await self._revocations.revoke(work, used.user_id, used.session_id)
            log.warning("refresh_token_reused", user_id=used.user_id, session_id=used.session_id)
            return None
        role = Role(await self._users.get_role(used.user_id))
        sanctioned_until_ms = await self._tiers.sanctioned_until_ms(used.user_id)
        return Rotation(following, rotated_at_ms, session.expires_at_ms, role, sanctioned_until_ms)

    def _overlaps(self, session: LockedSession) -> bool:
        return session.now_ms - session.rotated_at_ms <= self._tokens.rules.refresh_overlap_s * 1000

    def _issue(self, rotation: Rotation) -> TokenPair:
        claim, expires_at_ms = rotation.following, rotation.session_expires_at_ms
        principal = Principal(claim.user_id, claim.session_id, rotation.role, rotation.sanctioned_until_ms)
        return TokenPair(
            self._tokens.issue_access(principal, expires_at_ms),
            self._tokens.issue_refresh(claim, rotation.rotated_at_ms, expires_at_ms),
            self._tokens.rules.access_ttl_s,
        )


def login_session(row: SessionRow, own: SessionId) -> LoginSession:
    """Return the record of a session; `own` is the session of the request."""
    return LoginSession(
        id=row.id,
        user_agent=row.user_agent,
        address=row.address,
        created_at_ms=row.created_at_ms,
        last_used_at_ms=row.last_used_at_ms,
        current=row.id == own,
        method=SignInMethod(row.method),
        second_factor=SecondFactorMethod(row.second_factor) if row.second_factor else None,
    )


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
