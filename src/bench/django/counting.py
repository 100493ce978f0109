"""A typical counter on Django: F() in a transaction, and the value read back in it.

Run by gunicorn as counting:application, with COUNTING_PORT and COUNTING_DATABASE in the environment. The rows are made before.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models, transaction
from django.db.models import F
from django.http import Http404, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": os.environ["COUNTING_PORT"],
            "NAME": os.environ["COUNTING_DATABASE"],
            "USER": "postgres",
            # Keeps connections open.
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()


class Counter(models.Model):
    name = models.TextField(primary_key=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        app_label = "counting"
        db_table = "counter"


def value_of(name):
    value = Counter.objects.filter(pk=name).values_list("value", flat=True).first()
    if value is None:
        raise Http404(name)
    return JsonResponse({"value": value})


@require_POST
def increment(request, name):
    with transaction.atomic():
        Counter.objects.filter(pk=name).update(value=F("value") + 1)
        return value_of(name)


@require_GET
def read(request, name):
    return value_of(name)


@require_GET
def ready(request):
    return JsonResponse({})


urlpatterns = [
    path("ready", ready),
    path("counters/<str:name>/increments", increment),
    path("counters/<str:name>", read),
]

application = get_wsgi_application()
