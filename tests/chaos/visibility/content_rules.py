"""Rules about posts and comments: publishing, editing, hiding, likes, saves, tags, replies and approvals."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from server.ids import ActionId, CommentId, MediaId, PostId, UserId
from server.models.audience import Audience
from server.services.content.places import NewPlace, PlaceChange
from server.services.content.post_pictures import ChosenPicture
from server.services.records import PostStatus, Tag
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost
from tests.chaos.visibility.visibility_reader import TAG, WORD
from tests.chaos.visibility.visibility_rules import PEOPLE, VisibilityRules, actors, commented, people, posts
from tests.services.explore.explores import rank

PLACES = ("Old Harbour", "New Harbour")
audiences = st.sampled_from(Audience)


class ContentRules(VisibilityRules):
    # Posts

    @rule(author=actors, audience=audiences)
    def publish(self, author: UserId, audience: Audience) -> None:
        self.runner.do(self.add_post(author, audience))

    @rule(post=posts, audience=audiences)
    def edit_audience(self, post: ModelPost, audience: Audience) -> None:
        author = UserId(post.author)
        if author not in self.model.hidden:
            expected = self._refusal(author, post)
            self._agree(self.harness.posts.edit(author, PostId(post.id), None, None, audience), expected)
            if expected is None:
                self.model.set_audience(post, audience)

    @rule(post=posts, choice=st.integers(0, 2**PEOPLE - 1))
    def mention(self, post: ModelPost, choice: int) -> None:
        """Mention a set of people in the caption."""
        author = UserId(post.author)
        mentioned: list[int] = [user for bit, user in enumerate(self.people) if choice >> bit & 1]
        caption = " ".join([WORD, f"#{TAG}", *(f"@{self.model.names[user]}" for user in mentioned)])
        if author not in self.model.hidden:
            expected = self._refusal(author, post)
            self._agree(self.harness.posts.edit(author, PostId(post.id), caption, None), expected)
            if expected is None:
                self.model.edit_caption(post, caption, mentioned)

    @rule(post=posts, name=st.none() | st.sampled_from(PLACES))
    def move(self, post: ModelPost, name: str | None) -> None:
        """Let a post have another place, or none."""
        author, place = UserId(post.author), None if name is None else NewPlace(name, 53.5, 9.9)
        if author not in self.model.hidden:
            edit = self.harness.posts.edit(author, PostId(post.id), None, None, place=PlaceChange(place))
            outcome = self.runner.outcome(edit)
            assert (outcome if isinstance(outcome, str) else None) == self._refusal(author, post)
            if not isinstance(outcome, str):
                shown = outcome.card.place
                assert (None if shown is None else shown.name) == name
                post.place = None if shown is None else shown.id
                if shown is not None:
                    self.places[shown.id] = shown.name

    @rule(post=posts, archived=st.booleans())
    def archive(self, post: ModelPost, archived: bool) -> None:
        author, status = UserId(post.author), PostStatus.ARCHIVED if archived else PostStatus.PUBLISHED
        if author not in self.model.hidden:
            change = self.harness.posts.edit(author, PostId(post.id), None, None, status=status)
            expected = self._refusal(author, post)
            self._agree(change, expected)
            if expected is None:
                self.model.set_archived(post, archived=archived)

    @rule(user=actors, post=posts)
    def delete_post(self, user: UserId, post: ModelPost) -> None:
        self._agree(self.harness.posts.delete(user, PostId(post.id)), self.model.delete_post(user, post))

    @rule(post=posts)
    def take_down_post(self, post: ModelPost) -> None:
        action_id = ActionId(self.harness.ids.next())
        self._decide(partial(self.harness.posts.take_down, PostId(post.id), action_id), post)
        if post.is_present:
            post.hidden_by = action_id

    @rule(post=posts)
    def restore_post(self, post: ModelPost) -> None:
        if post.hidden_by is not None:
            action_id = ActionId(post.hidden_by)
            self._decide(partial(self.harness.posts.restore, PostId(post.id), action_id), post)
            post.hidden_by = None

    @rule(actor=actors, post=posts, liked=st.booleans())
    def like(self, actor: UserId, post: ModelPost, liked: bool) -> None:
        likes = self.harness.likes
        change = (likes.like if liked else likes.unlike)(actor, PostId(post.id))
        self._agree(change, self.model.like(actor, post, liked=liked))

    @rule(user=actors, post=posts, saved=st.booleans(), collected=st.booleans())
    def save(self, user: UserId, post: ModelPost, saved: bool, collected: bool) -> None:
        """Save a post or remove the save; with `collected`, put it into the user's collection or take it out."""
        post_id, saves = PostId(post.id), self.harness.saves
        if not collected:
            change = (saves.save if saved else saves.unsave)(user, post_id)
            self._agree(change, self.model.save(user, post, saved=saved))
            return
        collections = self.harness.collections
        change = (collections.add_post if saved else collections.remove_post)(
            user, self.collections[user], post_id
        )
        self._agree(change, self.model.collect(user, post, collected=saved))

    @rule(post=posts, user=st.none() | people)
    def tag(self, post: ModelPost, user: UserId | None) -> None:
        author = UserId(post.author)
        tags = [] if user is None else [Tag(user, 5000, 5000)]
        if author not in self.model.hidden:
            picture = ChosenPicture(MediaId(post.id), tags=tags)
            change = self.harness.posts.edit(author, PostId(post.id), None, None, media=[picture])
            self._agree(change, self.model.tag(post, user))

    @rule(user=actors, post=posts, approve=st.booleans())
    def answer_tag(self, user: UserId, post: ModelPost, approve: bool) -> None:
        tags = self.harness.tags
        change = (tags.approve if approve else tags.remove)(user, PostId(post.id))
        answer = self.model.approve_tag if approve else self.model.remove_tag
        self._agree(change, answer(user, post))

    @rule(user=actors, approves=st.booleans())
    def set_tag_approval(self, user: UserId, approves: bool) -> None:
        self.runner.do(self.harness.tags.change_settings(user, None, approves))
        (self.model.approving.add if approves else self.model.approving.discard)(user)

    @rule()
    def rank_explore(self) -> None:
        self.runner.do(rank(self.harness))

    # Comments

    @rule(author=actors, post=posts, mentioned=people)
    def comment(self, author: UserId, post: ModelPost, mentioned: UserId) -> None:
        self._comment(author, post, None, mentioned)

    @precondition(lambda machine: machine.recent_comments())
    @rule(author=actors, answered=commented, mentioned=people)
    def reply(self, author: UserId, answered: tuple[ModelPost, ModelComment], mentioned: UserId) -> None:
        self._comment(author, *answered, mentioned)

    @precondition(lambda machine: machine.recent_comments())
    @rule(actor=actors, found=commented, liked=st.booleans())
    def like_comment(self, actor: UserId, found: tuple[ModelPost, ModelComment], liked: bool) -> None:
        post, comment = found
        likes = self.harness.comment_likes
        change = (likes.like if liked else likes.unlike)(actor, PostId(post.id), CommentId(comment.id))
        self._agree(change, self.model.like_comment(actor, post, comment, liked=liked))

    @precondition(lambda machine: machine.recent_comments())
    @rule(user=actors, found=commented)
    def approve(self, user: UserId, found: tuple[ModelPost, ModelComment]) -> None:
        post, comment = found
        approval = self.harness.commenting.approvals.approve(user, PostId(post.id), CommentId(comment.id))
        self._agree(approval, self.model.approve(user, post, comment))

    @precondition(lambda machine: machine.recent_comments())
    @rule(user=actors, found=commented)
    def delete_comment(self, user: UserId, found: tuple[ModelPost, ModelComment]) -> None:
        post, comment = found
        deletion = self.harness.comments.delete(user, PostId(post.id), CommentId(comment.id))
        self._agree(deletion, self.model.delete_comment(user, post, comment))

    @precondition(lambda machine: machine.recent_comments())
    @rule(found=commented)
    def moderate_comment(self, found: tuple[ModelPost, ModelComment]) -> None:
        """Take a comment down, or restore one that was taken down."""
        post, comment = found
        ids, comments = (PostId(post.id), CommentId(comment.id)), self.harness.commenting.removals
        if comment.hidden_by is None:
            action_id = ActionId(self.harness.ids.next())
            self._decide(partial(comments.take_down, *ids, action_id), post)
            self.model.hide_comment(post, comment, action_id)
        else:
            action_id = ActionId(comment.hidden_by)
            self._decide(partial(comments.restore, *ids, action_id), post)
            self.model.show_comment(post, comment, action_id)
