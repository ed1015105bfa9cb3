"""Exports of users' data, and imports."""

from pathlib import Path

from server.assembly.collaborators import Collaborators
from server.assembly.resources import Resources
from server.models.portability.exports import ExportRepository
from server.models.portability.import_items import ImportItemRepository
from server.models.portability.personal_data import PersonalDataRepository
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.content.imported_posts import ImportedPosts
from server.services.people.profiles import Profiles
from server.services.portability.export_emails import ExportEmails
from server.services.portability.export_jobs import ExportJobs, ExportRules
from server.services.portability.exported_contents import ExportedContents
from server.services.portability.exported_pictures import ExportedPictures
from server.services.portability.exports import Exports
from server.services.portability.imports import Imports
from server.settings import Settings


def build_exports(
    settings: Settings, resources: Resources, shared: Collaborators, reauthentication: Reauthentication
) -> Exports:
    return Exports(
        ExportRepository(resources.database),
        shared.rows.logins,
        shared.unit_of_work,
        reauthentication,
        resources.media,
        settings.public_url,
        shared.secret,
    )


def build_export_jobs(
    settings: Settings, resources: Resources, shared: Collaborators, work_dir: Path
) -> ExportJobs:
    contents = ExportedContents(
        PersonalDataRepository(resources.database),
        shared.rows.post_images,
        ExportedPictures(resources.media),
        work_dir,
    )
    return ExportJobs(
        ExportRepository(resources.database),
        contents,
        resources.media,
        shared.unit_of_work,
        shared.jobs,
        ExportRules(work_dir, round(settings.maintenance.exports_kept_s * 1000), settings.public_url),
    )


def build_export_emails(settings: Settings, resources: Resources, shared: Collaborators) -> ExportEmails:
    return ExportEmails(
        ExportRepository(resources.database),
        shared.rows.users,
        shared.jobs,
        shared.email_delivery,
        f"{settings.client_url}/export",
    )


def build_imports(shared: Collaborators, resources: Resources, profiles: Profiles, work_dir: Path) -> Imports:
    rows = shared.rows
    return Imports(
        ImportItemRepository(resources.database),
        ImportedPosts(
            rows.users,
            rows.posts,
            rows.post_images,
            shared.unit_of_work,
            encodes_avif=shared.pictures.encodes_avif,
        ),
        profiles,
        shared.pictures,
        work_dir,
    )
